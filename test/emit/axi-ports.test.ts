import { describe, expect, it } from 'vitest'
import { axiModel } from '../../sim/axi.ts'
import { portsPage } from '../../src/emit/ports.ts'
import { weightPacket } from '../../src/plan/packet.ts'
import { constantRegisters, control } from '../../src/plan/registers.ts'
import { axiFrames } from '../../testbench/axi-device.ts'
import { axiLayout } from '../../testbench/axi-ports.ts'
import { read, streamBeats, write } from '../../testbench/axi-program.ts'
import { axiSpecimen, episode, runAxi } from '../fixtures/axi.ts'
import { twoLayers } from '../fixtures/verification.ts'

const { planned, image } = axiSpecimen({ ...twoLayers, activationBits: 6 }, 4, 4)
const { plan, images } = planned
const page = portsPage(plan, 'axi', weightPacket(plan, images))

describe('ports.md of the AXI interface', () => {
  it('has a line for every register and field', () => {
    for (const { name, offset, fields } of [...Object.values(control), ...constantRegisters(plan)]) {
      expect(page).toContain(`| 0x${offset.toString(16).padStart(3, '0')} | ${name} |`)
      for (const field of fields) expect(page).toContain(`\`${field.name}\``)
    }
  })

  it('gives a control sequence that runs as it says', () => {
    const { elements } = plan.input
    const given = plan.output.elements
    const run = runAxi(axiFrames(axiModel(plan, images), axiLayout(plan)), planned, [
      episode({
        input: streamBeats(image(1).codes, [{ channel: 'b', count: 2 }]),
        outputs: given,
        operations: [
          write(0x000, 0),
          write(0x000, 1),
          // the look comes some cycles behind the image
          read(0x020, { channel: 'image', count: elements }),
          read(0x004),
          write(0x000, 1),
          read(0x004, { channel: 'output', count: given }),
          read(0x014),
        ],
      }),
    ])
    expect(run.writes).toEqual([0, 0, 2])
    const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`
    const [, busy, done, cycles] = run.reads.map(({ data }) => hex(data))
    expect(page).toContain(`ARADDR 0x004; RDATA ${busy}, RRESP 0: busy, computes`)
    expect(page).toContain(`ARADDR 0x004; RDATA ${done}, RRESP 0: idle, done`)
    expect(page).toContain(`ARADDR 0x014; RDATA ${cycles} =`)
    const order = ['| start |', '| look |', '| a second start', '| take the result |'].map((step) =>
      page.indexOf(step),
    )
    expect(order).toEqual([...order].sort((a, b) => a - b))
  })

  it('gives the first beats of the packet, which are those of stream/weights.bin', () => {
    const packet = weightPacket(plan, images)
    for (const beat of [0, 7, 8])
      expect(page).toContain(`| ${beat} | 0x${packet[beat]!.toString(16).padStart(8, '0')} |`)
    expect(page).toContain(`${packet.length} beats of 32 bits`)
  })
})

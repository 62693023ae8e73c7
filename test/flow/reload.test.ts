import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { toStream } from '../../sim/stream.ts'
import { createEmulator } from '../../src/emu/emulator.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { networkOf, prepare, quantiseInput } from '../../src/flow/preparation.ts'
import { generate, writeDesign } from '../../src/flow/rtl.ts'
import { hashWeights, serialiseWeights } from '../../src/net/weights.ts'
import { calibrate } from '../../src/quant/calibrate.ts'
import { serialiseRecord } from '../../src/quant/record.ts'
import { axiLayout } from '../../testbench/axi-ports.ts'
import { read, streamBeats } from '../../testbench/axi-program.ts'
import { netlistFrames } from '../../testbench/netlist-frames.ts'
import { episode, runAxi } from '../fixtures/axi.ts'
import { randomImages, randomWeights } from '../fixtures/networks.ts'

const root = mkdtempSync(join(tmpdir(), 'xgen-reload-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const net = join(root, 'tiny.yaml')
writeFileSync(
  net,
  `name: tiny
input: { shape: [2, 5, 5] }
layers:
  - { kind: conv2d, name: conv1, filters: 3, kernel: 2 }
  - { kind: relu, name: relu1 }
  - { kind: flatten, name: flatten }
  - { kind: dense, name: fc1, units: 4 }
`,
)

/** A run's directory for weights of a seed, as `xgen rtl --weights FILE --out DIR` writes it. */
function made(seed: number) {
  const file = join(root, `w${seed}.safetensors`)
  const network = networkOf(resolveConfiguration({ net, environment: {} }))
  const weights = randomWeights(network, seed)
  const ranges = calibrate(network, weights, randomImages(network, 3, 1))
  writeFileSync(file, serialiseWeights(weights, network))
  writeFileSync(
    join(root, `w${seed}.json`),
    serialiseRecord({
      network: network.name,
      weights: hashWeights(weights, network),
      calibration: { data: 'drawn', images: 3 },
      ranges: Object.fromEntries(ranges),
    }),
  )
  const configuration = resolveConfiguration({ net, weights: file, array: '2x2', environment: {} })
  const prepared = prepare(configuration)
  const design = generate(configuration, prepared)
  const out = join(root, `out${seed}`)
  writeDesign(out, design, configuration, prepared, false)
  return { design, prepared, packet: join(out, 'stream', 'weights.bin') }
}

it('stream/weights.bin of a run with other weights makes a design compute with them', () => {
  const [here, there] = [made(1), made(2)]
  const { plan, top } = here.design
  expect(there.design.plan.structure).toBe(plan.structure)
  const bytes = readFileSync(there.packet)
  const packet = Array.from({ length: bytes.length / 4 }, (_, beat) => bytes.readUInt32LE(4 * beat))

  const pixels = Uint8Array.from({ length: plan.input.elements }, (_, i) => (i * 37) % 256)
  const outputOf = ({ prepared: { graph, assignment } }: typeof here) => {
    const codes = quantiseInput(graph, pixels)
    const output = createEmulator(graph, assignment).runImage(codes).get(graph.output)!
    return { codes: toStream(codes, plan.input.shape), output: toStream(output, plan.output.shape) }
  }
  const [before, after] = [outputOf(here), outputOf(there)]
  expect(after.output).not.toEqual(before.output)

  const loaded = [{ channel: 'weights', count: packet.length } as const]
  const run = runAxi(netlistFrames(top, axiLayout(plan), []), here.design, [
    episode({
      input: [...streamBeats(before.codes), ...streamBeats(after.codes, loaded)],
      weights: streamBeats(packet, [{ channel: 'output', count: 1 }]),
      outputs: 2 * plan.output.elements,
      operations: [read(0x008, loaded[0])],
    }),
  ])
  expect(run.outputs).toEqual([before.output, after.output])
  expect(run.reads).toEqual([{ data: 0, response: 0 }])
})

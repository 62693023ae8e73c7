import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { probesOf } from '../../src/plan/probes.ts'
import { visibleRegisters } from '../../testbench/netlist-device.ts'
import { frameReader, type SimulationRun, simulate } from '../../testbench/simulation.ts'
import { simulatorInput } from '../../testbench/stimulus.ts'
import { findToolchain } from '../../testbench/toolchain.ts'
import { buildSimulator } from '../../testbench/verilator.ts'
import { hasVerilator, needsVerilator } from '../fixtures/tools.ts'
import { twoLayers, verificationOf } from '../fixtures/verification.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen simulation '))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const design = verificationOf(twoLayers, { rows: 2, columns: 2 }, 3)
const probes = probesOf(design.plan)
const never = new AbortController().signal
const run = (simulator: string, more: Partial<SimulationRun> = {}): SimulationRun => ({
  simulator,
  top: design.top.name,
  directory,
  stimulus: simulatorInput(design.stimulus),
  portWords: 1,
  probes,
  signal: never,
  ...more,
})

/** Reads a simulation to its end and counts its frames. */
async function framesOf(simulation: SimulationRun): Promise<number> {
  let frames = 0
  for await (const { count } of simulate(simulation)) frames += count
  return frames
}

async function failureOf(simulation: SimulationRun): Promise<XgenError> {
  const error = await framesOf(simulation).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(XgenError)
  return error as XgenError
}

let scripts = 0
function script(body: string): string {
  const path = join(directory, `script ${scripts++}.sh`)
  writeFileSync(path, `#!/bin/sh\n${body}\n`)
  chmodSync(path, 0o755)
  return path
}

describe('a simulation', () => {
  beforeEach(needsVerilator)
  let simulator = ''
  beforeAll(async () => {
    if (!hasVerilator) return
    mkdirSync(join(directory, 'mem'))
    for (const [name, text] of design.memories) writeFileSync(join(directory, 'mem', name), text)
    const source = {
      top: design.top.name,
      verilog: design.verilog,
      visible: visibleRegisters(design.top, probes),
    }
    simulator = (await buildSimulator(source, await findToolchain(), never)).simulator
  })

  it('gives a frame a cycle', async () => {
    expect(await framesOf(run(simulator))).toBeGreaterThan(3 * design.plan.input.elements)
  })

  it('that is killed in mid-run is an error, whatever it had written', async () => {
    const error = await failureOf(run(script(`'${simulator}' "$@" | head -c 30000; kill -9 $$`)))
    expect(error.kind).toBe('tool-failed')
    expect(error.message).toContain('the simulator was killed (137, SIGKILL), probably out of memory')
    expect(error.message).toContain('script')
  })

  it('that crashes or ends early is an error', async () => {
    expect(
      (await failureOf(run(script(`'${simulator}' "$@" | head -c 30000; kill -SEGV $$`)))).message,
    ).toContain('was ended by signal SIGSEGV')
    expect((await failureOf(run(script(`'${simulator}' "$@" | head -c 30000`)))).message).toMatch(
      /ended after \d+ cycles without saying that it is through/,
    )
    expect((await failureOf(run(script(':')))).message).toContain('ended after 0 cycles')
    const failed = await failureOf(run(script('echo broken >&2; exit 3')))
    expect(failed.message).toContain('failed with exit code 3')
    expect(failed.hint).toContain('broken')
  })

  it('whose stream is damaged is an error', async () => {
    const lost = await failureOf(
      run(script(`'${simulator}' "$@" | (head -c 3000; dd bs=1 count=4 of=/dev/null 2>/dev/null; cat)`)),
    )
    expect(lost.message).toMatch(/wrote a damaged stream: frame \d+ is marked \d+/)
    expect((await failureOf(run(script('echo "this is not a stream of frames"')))).message).toContain(
      'wrote something that is no frame stream',
    )
    expect(
      (await failureOf(run(script(`'${simulator}' "$@"; echo "and more after the end"`)))).message,
    ).toContain('wrote more after its last frame')
    const other = await failureOf(
      run(script(`head -n 3 "$3" > short.txt; '${simulator}' "$1" "$2" short.txt`)),
    )
    expect(other.message).toContain('announced 5 words a frame')
  })

  it('that says nothing for long is ended', async () => {
    const error = await failureOf(run(script('sleep 60'), { silenceSeconds: 0.3 }))
    expect(error.message).toContain('has written nothing for 0.3 seconds')
  })

  it('refuses a stimulus or a probe that does not fit', async () => {
    const cut = await failureOf(run(script(`head -c 400 "$2" > cut.bin; '${simulator}' "$1" cut.bin "$3"`)))
    expect(cut.hint).toContain('harness: the stimulus file has the wrong length')
    const missing = await failureOf(
      run(simulator, { probes: [{ path: 'u_sequencer.phase_of_moon', width: 2 }] }),
    )
    expect(missing.hint).toContain('harness: the design has no register')
    const narrow = await failureOf(run(simulator, { probes: [{ path: 'u_sequencer.phase', width: 3 }] }))
    expect(narrow.hint).toContain('has 2 bits, not 3')
  })

  it('without its memory images is an error', async () => {
    const empty = join(directory, 'empty')
    mkdirSync(empty)
    expect((await failureOf(run(simulator, { directory: empty }))).kind).toBe('tool-failed')
  })

  it('whose simulator or directory is gone is no missing package', async () => {
    const gone = await failureOf(run(join(directory, 'gone')))
    expect(gone.kind).toBe('tool-failed')
    expect(gone.message).toBe(`the simulator ${join(directory, 'gone')}, which xgen built, is gone`)
    expect(gone.hint).toContain('Run the command again')
    expect(gone.hint).not.toContain('apt-get')
    const plain = join(directory, 'plain')
    writeFileSync(plain, '')
    const forbidden = await failureOf(run(plain))
    expect(forbidden.kind).toBe('tool-failed')
    expect(forbidden.message).toContain('the simulator could not be started (EACCES)')
  })

  it('is ended when the user interrupts', async () => {
    const abort = new AbortController()
    setTimeout(() => abort.abort(new XgenError('interrupted', 'interrupted')), 200)
    const error = await failureOf(run(script('sleep 60'), { signal: abort.signal }))
    expect(error.kind).toBe('interrupted')
  })

  it('can be left before its end', async () => {
    for await (const { count } of simulate(run(script(`'${simulator}' "$@"; sleep 60`)))) {
      expect(count).toBeGreaterThan(0)
      break
    }
  })
})

describe('a stream of frames', () => {
  const frames = Array.from({ length: 9 }, (_, number) => [number, 7 * number, number ^ 5])
  const words = [0x53525458, 1, 3, 2, ...frames.flat(), 0x45525458, frames.length]
  const bytes = new Uint8Array(Uint32Array.from(words).buffer)

  it('may come in any pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 200, maxLength: 200 }), (pieces) => {
        const reader = frameReader(2, 2)
        const seen: number[] = []
        for (let at = 0, piece = 0; at < bytes.length; at += pieces[piece++]!) {
          const batch = reader.take(bytes.slice(at, at + pieces[piece]!))
          seen.push(...batch.frames.subarray(0, batch.count * batch.stride))
        }
        expect(reader.broken()).toBeUndefined()
        expect(reader.incomplete()).toBeUndefined()
        expect(seen).toEqual(frames.flatMap(([, ...rest]) => rest))
      }),
    )
  })

  it('that is cut anywhere is not whole', () => {
    for (let length = 0; length < bytes.length; length++) {
      const reader = frameReader(2, 2)
      reader.take(bytes.slice(0, length))
      expect(reader.incomplete()).toBeDefined()
    }
  })
})

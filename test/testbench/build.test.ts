import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { cacheDirectory, makeOnce, openScratch } from '../../src/tools/cache.ts'
import { findToolchain } from '../../testbench/toolchain.ts'
import { buildSimulator, type Design } from '../../testbench/verilator.ts'
import { eventually, processesIn } from '../fixtures/processes.ts'
import { needsVerilator } from '../fixtures/tools.ts'

const root = realpathSync(mkdtempSync(join(tmpdir(), 'xgen build ')))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const never = new AbortController().signal

/** The smallest design with the native interface: it echoes one element. */
const echo: Design = {
  top: 'echo',
  verilog: new Map([
    [
      'echo.v',
      `module echo (input wire clk, input wire rst_n, input wire start, input wire in_valid, input wire [7:0] in_data, input wire out_ready,
  output wire busy, output wire done, output wire in_ready, output wire out_valid, output wire [7:0] out_data, output wire out_last);
  reg [7:0] held;
  always @(posedge clk) if (!rst_n) held <= 0; else if (in_valid & start & out_ready) held <= in_data;
  assign {busy, done, in_ready, out_valid, out_last} = 5'd0;
  assign out_data = held;
endmodule
`,
    ],
  ]),
  visible: [{ module: 'echo', signal: 'held' }],
}

/** A cache of its own that shares only Verilator's compiled runtime with the user's. */
function freshCache(name: string): string {
  const cache = join(root, name)
  mkdirSync(cache)
  const runtime = join(cacheDirectory(), 'runtime')
  mkdirSync(runtime, { recursive: true })
  symlinkSync(runtime, join(cache, 'runtime'))
  return cache
}

const contents = (directory: string) => (existsSync(directory) ? readdirSync(directory) : [])

describe('a build', () => {
  beforeEach(needsVerilator)

  it('is made once; another text is another build, and two at once agree', async () => {
    const cache = freshCache('once')
    const tools = await findToolchain()
    const [first, twin] = await Promise.all([
      buildSimulator(echo, tools, never, cache),
      buildSimulator(echo, tools, never, cache),
    ])
    expect(first.simulator).toBe(twin.simulator)
    const made = statSync(first.simulator).mtimeMs
    const again = await buildSimulator(echo, tools, never, cache)
    expect(again).toMatchObject({ simulator: first.simulator, cached: true })
    expect(statSync(first.simulator).mtimeMs).toBe(made)
    const changed = new Map([['echo.v', `${echo.verilog.get('echo.v')}// changed\n`]])
    const other = await buildSimulator({ ...echo, verilog: changed }, tools, never, cache)
    expect(other).toMatchObject({ cached: false })
    expect(other.simulator).not.toBe(first.simulator)
    expect(contents(join(cache, 'simulators')).length).toBe(2)
    // What cleans caches by age takes files and leaves their directory.
    rmSync(first.simulator)
    const rebuilt = await buildSimulator(echo, tools, never, cache)
    expect(rebuilt).toMatchObject({ simulator: first.simulator, cached: false })
    expect(statSync(rebuilt.simulator).mode & 0o100).toBe(0o100)
    expect(contents(join(cache, 'part'))).toEqual([])
    expect(contents(join(cache, 'logs'))).toEqual([])
  })

  it('of broken Verilog names the command, the log and the last lines, and leaves nothing', async () => {
    const cache = freshCache('broken')
    const broken = {
      ...echo,
      verilog: new Map([['echo.v', 'module echo (input wire clk);\n  assign nowhere = 1;\nendmodul\n']]),
    }
    const error = (await buildSimulator(broken, await findToolchain(), never, cache).catch(
      (thrown: unknown) => thrown,
    )) as XgenError
    expect(error).toBeInstanceOf(XgenError)
    expect(error.kind).toBe('tool-failed')
    expect(error.message).toMatch(
      /^Verilator failed with exit code 1\n {2}command: verilator --cc .*\n {2}log: .*verilator\.log$/,
    )
    expect(error.hint).toContain('syntax error')
    expect(existsSync(/log: (.*)$/.exec(error.message)![1]!)).toBe(true)
    expect(contents(join(cache, 'simulators'))).toEqual([])
    expect(contents(join(cache, 'part'))).toEqual([])
  })

  it('that is interrupted leaves no process and nothing half-made', async () => {
    const cache = freshCache('interrupted')
    const tools = await findToolchain()
    // A compiler that starts a child of its own and takes long.
    const compiler = join(root, 'slow compiler')
    writeFileSync(compiler, '#!/bin/sh\nsleep 60\n')
    chmodSync(compiler, 0o755)
    const abort = new AbortController()
    const build = buildSimulator(echo, { ...tools, compiler }, abort.signal, cache).catch(
      (thrown: unknown) => thrown,
    )
    const started = await eventually(() => processesIn(cache).length >= 4, 20_000)
    expect(started).toBe(true)
    abort.abort(new XgenError('interrupted', 'interrupted'))
    expect((await build) as XgenError).toMatchObject({ kind: 'interrupted' })
    expect(await eventually(() => processesIn(cache).length === 0, 3000)).toBe(true)
    expect(contents(join(cache, 'simulators'))).toEqual([])
    expect(contents(join(cache, 'part'))).toEqual([])
  })

  it('that the kernel ends for want of memory says so', async () => {
    const cache = freshCache('memory')
    const tools = await findToolchain()
    const compiler = join(root, 'hungry compiler')
    writeFileSync(
      compiler,
      '#!/bin/sh\necho "g++: fatal error: Killed signal terminated program cc1plus" >&2\nexit 1\n',
    )
    chmodSync(compiler, 0o755)
    const error = (await buildSimulator(echo, { ...tools, compiler }, never, cache).catch(
      (thrown: unknown) => thrown,
    )) as XgenError
    expect(error.message).toContain('g++ was killed (137, SIGKILL), probably out of memory')
  })
})

describe('the cache', () => {
  it('stands where the environment says', () => {
    expect(cacheDirectory({ XGEN_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a')
    expect(cacheDirectory({ XDG_CACHE_HOME: '/b' })).toBe(join('/b', 'xgen'))
    expect(cacheDirectory({})).toMatch(/\.cache[/\\]xgen$/)
  })

  it('takes the first of two makers and keeps the log of one that failed', async () => {
    const cache = join(root, 'makers')
    const target = join(cache, 'thing')
    const make = (text: string) =>
      makeOnce(cache, target, 'text', async (work) => writeFileSync(join(work, 'text'), text))
    expect(await Promise.all([make('one'), make('two')])).toEqual([false, false])
    expect(await make('three')).toBe(true)
    const failing = makeOnce(cache, join(cache, 'other'), 'text', async (_, log) => {
      writeFileSync(log('tool'), 'why')
      throw new Error('failed')
    })
    await expect(failing).rejects.toThrow('failed')
    expect(contents(join(cache, 'part'))).toEqual([])
    expect(contents(join(cache, 'logs')).length).toBe(1)
    expect(existsSync(join(cache, 'other'))).toBe(false)
  })

  it('makes again what was cleaned away, and touches nothing that is there', async () => {
    const cache = join(root, 'cleaned')
    const target = join(cache, 'thing')
    let made = 0
    const make = () =>
      makeOnce(cache, target, 'product', async (work) => {
        writeFileSync(join(work, 'product'), `${++made}`)
      })
    expect([await make(), await make()]).toEqual([false, true])
    const mode = statSync(target).mode & 0o777
    expect(mode).toBe(0o777 & ~process.umask())
    rmSync(join(target, 'product'))
    writeFileSync(join(target, 'foreign'), '')
    expect([await make(), await make()]).toEqual([false, true])
    expect(readFileSync(join(target, 'product'), 'utf8')).toBe('2')
    expect(contents(target).sort()).toEqual(['foreign', 'product'])
    rmSync(target, { recursive: true })
    mkdirSync(target)
    expect([await make(), await make()]).toEqual([false, true])
    expect(contents(join(cache, 'part'))).toEqual([])
  })

  it('gives each its own scratch, also to threads that have one process number and count alike', async () => {
    const cache = join(root, 'shared')
    const earlier = openScratch(cache)
    writeFileSync(join(earlier.work, 'kept'), 'by another')
    writeFileSync(earlier.log('tool'), 'its log')
    const module = new URL('../../src/tools/cache.ts', import.meta.url).href
    const opened = await Promise.all(
      [0, 1, 2].map(
        () =>
          new Promise<{ work: string; log: string }>((resolve, reject) => {
            const text = `import { parentPort, workerData } from 'node:worker_threads'
import { register } from ${JSON.stringify(import.meta.resolve('tsx/esm/api'))}
register()
const { openScratch } = await import(${JSON.stringify(module)})
const { work, log } = openScratch(workerData)
parentPort.postMessage({ work, log: log('tool') })`
            const code = new URL(`data:text/javascript,${encodeURIComponent(text)}`)
            const worker = new Worker(code, { workerData: cache })
            worker.once('message', resolve)
            worker.once('error', reject)
          }),
      ),
    )
    expect(new Set([earlier.work, ...opened.map(({ work }) => work)]).size).toBe(4)
    expect(new Set([earlier.log('tool'), ...opened.map(({ log }) => log)]).size).toBe(4)
    expect(readFileSync(join(earlier.work, 'kept'), 'utf8')).toBe('by another')
    earlier.close()
    expect(readFileSync(earlier.log('tool'), 'utf8')).toBe('its log')
    expect(opened.every(({ work }) => existsSync(work))).toBe(true)
  })

  it('is rid of what was left behind long ago, and of nothing younger', () => {
    const cache = join(root, 'old')
    const [old, young] = [openScratch(cache), openScratch(cache)]
    const days = (count: number) => Date.now() / 1000 - count * 24 * 3600
    utimesSync(dirname(old.work), days(8), days(8))
    utimesSync(dirname(young.work), days(6), days(6))
    openScratch(cache).close()
    expect([old, young].map(({ work }) => existsSync(work))).toEqual([false, true])
  })

  it('in a place that cannot be written to is named with the remedy', async () => {
    const file = join(root, 'a file')
    writeFileSync(file, '')
    const made = makeOnce(join(file, 'cache'), join(file, 'cache', 'x'), 'text', async () => {})
    await expect(made).rejects.toMatchObject({ kind: 'usage', hint: 'Name another with XGEN_CACHE_DIR.' })
  })
})

describe('the tool chain', () => {
  /** Runs with a PATH of scripts that answer to --version. */
  async function found(tools: Readonly<Record<string, string>>): Promise<unknown> {
    const bin = mkdtempSync(join(root, 'bin-'))
    for (const [name, answer] of Object.entries(tools)) {
      writeFileSync(join(bin, name), `#!/bin/sh\necho '${answer}'\n`)
      chmodSync(join(bin, name), 0o755)
    }
    const before = process.env['PATH']
    process.env['PATH'] = bin
    try {
      return await findToolchain().catch((thrown: unknown) => thrown)
    } finally {
      process.env['PATH'] = before
    }
  }

  it('is missing, or too old, with the line that installs it', async () => {
    const line = 'apt-get install -y --no-install-recommends verilator g++ make'
    const none = (await found({})) as XgenError
    expect(none).toMatchObject({
      kind: 'tool-missing',
      message: 'Verilator was not found',
      hint: expect.stringContaining(line),
    })
    const old = (await found({ verilator: 'Verilator 4.038 2020-07-11' })) as XgenError
    expect(old).toMatchObject({
      kind: 'tool-missing',
      message: 'Verilator 4.038 is too old: 5.006 or newer is needed',
    })
    const odd = (await found({ verilator: 'Hello' })) as XgenError
    expect(odd.message).toContain('which is no version')
    const bare = (await found({ verilator: 'Verilator 5.006 2023-01-22' })) as XgenError
    expect(bare.message).toContain("Verilator's runtime (verilated.cpp) is not in")
  })
})

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { writeFileAtomically } from '../../src/base/files.ts'
import { acceleratorFiles } from '../../src/emit/accelerator-files.ts'
import { flowFiles } from '../../src/emit/flow-files.ts'
import { openYosys } from '../../src/tools/yosys.ts'
import { testbenchFiles } from '../../testbench/vectors.ts'
import { hasIcarus, hasTcl, hasVerilator, hasYosys } from '../fixtures/tools.ts'
import { twoLayers, verificationOf } from '../fixtures/verification.ts'
import { capi2, libreLane } from './flow-schemas.ts'

/** Flow files are read by the tools that are here, and held against the formats of those that are not. */
const directory = mkdtempSync(join(tmpdir(), 'xgen-flow-'))
const flowDirectory = join(directory, 'flow')
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const design = verificationOf(twoLayers, { rows: 2, columns: 2 })
const { top } = design
const files = new Map<string, string | Uint8Array>([
  ...[...design.verilog].map(([name, text]) => [`rtl/${name}`, text] as const),
  ...[...design.memories].map(([name, text]) => [`mem/${name}`, text] as const),
  ...testbenchFiles(design.plan, design.images, top.name, 'native'),
])
const options = { version: '1.2.3', network: 'sketch', summary: '2x2 PEs', clockNs: 4 }
const flow = flowFiles(top, files.keys(), options)
const sources = [...design.verilog.keys()].sort()

beforeAll(() => {
  for (const [path, contents] of [...files, ...flow]) writeFileAtomically(join(directory, path), contents)
})

/** What `tclsh` prints of a script, run after `stubs`; it must end well. */
async function tcl(stubs: string, script: string): Promise<string[]> {
  const path = join(directory, `stubs-${script.replace(/\W/g, '-')}`)
  writeFileSync(
    path,
    `${stubs}\nset script [file join ${flowDirectory} ${script}]\ninfo script $script\nsource $script\n`,
  )
  const { all, exitCode } = await execa('tclsh', [path], { cwd: '/', all: true, reject: false })
  expect(exitCode, all).toBe(0)
  return all.split('\n').filter((line) => line !== '')
}

describe('filelist.f', () => {
  it('is read by Verilator from anywhere', async (context) => {
    if (!hasVerilator) return context.skip('not run: no Verilator')
    const list = join(flowDirectory, 'filelist.f')
    const { all } = await execa('verilator', ['--lint-only', '-Wall', '-F', list, '--top-module', top.name], {
      cwd: '/',
      all: true,
    })
    expect(all).toBe('')
  })

  it('is read by Icarus in its directory', async (context) => {
    if (!hasIcarus) return context.skip('not run: no Icarus Verilog')
    const args = ['-Wall', '-g2005', '-s', top.name, '-o', 'listed.vvp', '-c', 'filelist.f']
    expect((await execa('iverilog', args, { cwd: flowDirectory, all: true })).all).toBe('')
  })
})

describe('the FuseSoC core', () => {
  const text = flow.get('flow/sketch.core')!
  const read = (yaml: string) =>
    capi2.parse(parseYaml(yaml.replace('CAPI=2:\n', 'CAPI=2: null\n'), { merge: true }))
  const core = read(text)
  const entries = (fileset: string) =>
    core.filesets[fileset]!.files.map((entry) => {
      if (typeof entry === 'string') return { path: entry, copyto: undefined }
      const [[path, attributes]] = Object.entries(entry) as [[string, { copyto?: string }]]
      return { path, copyto: attributes.copyto }
    })

  it('begins as CAPI2 does and names only files that are there', () => {
    expect(text.split('\n')[0]).toBe('CAPI=2:')
    const paths = Object.keys(core.filesets).flatMap(entries)
    for (const { path } of paths) expect(existsSync(join(flowDirectory, path)), path).toBe(true)
    expect(entries('rtl').map(({ path }) => path)).toEqual(sources.map((name) => `../rtl/${name}`))
    expect(entries('mem').length).toBe(design.memories.size)
  })

  it('has the targets default, lint, sim and synth, of filesets that are there', () => {
    expect(Object.keys(core.targets)).toEqual(['default', 'lint', 'sim', 'synth'])
    for (const { filesets } of Object.values(core.targets))
      expect(Object.keys(core.filesets)).toEqual(expect.arrayContaining(filesets))
    expect(core.targets['synth']!.toplevel).toBe(top.name)
  })

  it('has no simulation where there is no testbench', () => {
    const bare = flowFiles(top, ['rtl/a.v', 'mem/a.hex'], options).get('flow/sketch.core')!
    const { filesets, targets } = read(bare)
    expect(Object.keys(filesets)).toEqual(['rtl', 'mem'])
    expect(Object.keys(targets)).toEqual(['default', 'lint', 'synth'])
  })

  it('lays files so that its simulation passes', async (context) => {
    if (!hasIcarus) return context.skip('not run: no Icarus Verilog')
    // What FuseSoC does: files with copyto go into the build directory, and the simulator runs there.
    const build = join(directory, 'build')
    const target = core.targets['sim']!
    const laid = target.filesets.flatMap(entries)
    for (const { path, copyto } of laid) {
      if (copyto === undefined) continue
      mkdirSync(dirname(join(build, copyto)), { recursive: true })
      copyFileSync(join(flowDirectory, path), join(build, copyto))
    }
    const verilog = laid.filter(({ copyto }) => copyto === undefined)
    await execa(
      'iverilog',
      [
        ...target.tools!.icarus!.iverilog_options,
        ...['-s', target.toplevel, '-o', 'sim'],
        ...verilog.map(({ path }) => join(flowDirectory, path)),
      ],
      { cwd: build },
    )
    expect((await execa('vvp', ['-n', 'sim'], { cwd: build })).stdout).toMatch(/^PASS: 3 images/m)
  })
})

describe('the LibreLane configuration', () => {
  const configuration = libreLane.parse(JSON.parse(flow.get('flow/config.json')!))
  const resolved = (path: string) => join(flowDirectory, path.replace(/^dir::/, ''))

  it('names the design, its clock and files that are there', () => {
    expect(configuration).toMatchObject({ DESIGN_NAME: top.name, CLOCK_PORT: 'clk', CLOCK_PERIOD: 4 })
    expect(configuration.VERILOG_FILES.length).toBe(sources.length)
    const { VERILOG_FILES, PNR_SDC_FILE, SIGNOFF_SDC_FILE } = configuration
    for (const path of [...VERILOG_FILES, PNR_SDC_FILE, SIGNOFF_SDC_FILE])
      expect(existsSync(resolved(path)), path).toBe(true)
  })

  it('lets Yosys find the memory images from any directory', async (context) => {
    if (!hasYosys) return context.skip('not run: no yosys')
    const read = [
      'read_verilog',
      ...configuration.VERILOG_DEFINES.map((define) => `-D${define}`),
      ...configuration.VERILOG_FILES.map(resolved),
    ].join(' ')
    const script = `${read}; hierarchy -check -top ${configuration.DESIGN_NAME}; proc`
    const { exitCode, all } = await execa('yosys', ['-q', '-p', script], {
      cwd: '/',
      all: true,
      reject: false,
    })
    expect(exitCode, all).toBe(0)
  })
})

describe('the constraints', () => {
  it('name every port once, the clock apart', async (context) => {
    if (!hasTcl) return context.skip('not run: no tclsh')
    const lines = await tcl(
      `
proc get_ports {names} { return $names }
proc create_clock {a name b period ports} { puts "$a $name $b $period $ports" }
proc set_input_delay {delay a clock ports} { puts "in $delay $a $clock"; foreach port $ports { puts "in $port" } }
proc set_output_delay {delay a clock ports} { puts "out $delay $a $clock"; foreach port $ports { puts "out $port" } }`,
      'sketch.sdc',
    )
    const named = (direction: string) =>
      top.ports
        .filter((port) => port.direction === direction && port.name !== 'clk')
        .map(
          ({ name, width }) => `${direction.slice(0, direction.length - 3)} ${name}${width > 1 ? '[*]' : ''}`,
        )
    expect(lines).toEqual([
      '-name clk -period 4 clk',
      'in 0.8 -clock clk',
      ...named('input'),
      'out 0.8 -clock clk',
      ...named('output'),
    ])
  })
})

describe('Vivado packaging', () => {
  /** Takes what Vivado takes, and prints the calls that matter. No interface was found before. */
  const vivado = `
proc create_project {a name path} {}
proc add_files {a files} { foreach file $files { if {![file exists $file]} { error "no $file" } } }
proc get_files {file} { return $file }
proc current_fileset {} { return sources_1 }
proc update_compile_order {a b} {}
proc set_property {name value object} { puts "$name = $value" }
proc close_project {} { puts closed }
namespace eval ipx {
  proc package_project {args} {}
  proc current_core {} { return core }
  proc infer_bus_interface {port type core} { puts "infer $port $type" }
  proc infer_bus_interfaces {type core} { puts "infer $type" }
  proc add_bus_parameter {name interface} { return $name }
  proc get_bus_interfaces {name a core} {}
  proc associate_bus_interfaces {a name b clock core} { puts "associate $a $name $b $clock" }
  proc create_xgui_files {core} {}
  proc update_checksums {core} {}
  proc check_integrity {core} {}
  proc save_core {core} { puts saved }
}`

  it('collects the sources, and names clock and reset', async (context) => {
    if (!hasTcl) return context.skip('not run: no tclsh')
    const lines = await tcl(vivado, 'package_ip.tcl')
    expect(lines).toEqual(
      expect.arrayContaining([
        'infer clk xilinx.com:signal:clock_rtl:1.0',
        'infer rst_n xilinx.com:signal:reset_rtl:1.0',
        'value = ACTIVE_LOW',
        `top = ${top.name}`,
        'saved',
      ]),
    )
    const copied = (path: string) => readFileSync(join(flowDirectory, 'ip/src', path), 'utf8')
    for (const name of sources) expect(copied(name)).toBe(design.verilog.get(name))
    for (const [name, text] of design.memories) expect(copied(`mem/${name}`)).toBe(text)
  })

  it('takes AXI interfaces, their clock and reset from the ports', async (context) => {
    if (!hasTcl) return context.skip('not run: no tclsh')
    const { top: axiTop } = acceleratorFiles(design.plan, design.images, 'test', 'axi')
    const streams = axiTop.ports.flatMap(({ name }) => /^(\w+)_tdata$/.exec(name)?.[1] ?? [])
    expect(streams).toEqual(expect.arrayContaining(['s_axis', 'm_axis']))
    const axi = flowFiles(axiTop, files.keys(), { ...options, network: 'axi' })
    writeFileAtomically(join(flowDirectory, 'axi.tcl'), axi.get('flow/package_ip.tcl')!)
    const lines = await tcl(vivado, 'axi.tcl')
    const said = (start: string) => lines.filter((line) => line.startsWith(start)).sort()
    expect(said('infer')).toEqual([
      'infer aclk xilinx.com:signal:clock_rtl:1.0',
      'infer aresetn xilinx.com:signal:reset_rtl:1.0',
      'infer irq xilinx.com:signal:interrupt_rtl:1.0',
      // the stubs never have one, so each is inferred by name
      'infer xilinx.com:interface:aximm_rtl:1.0',
      ...streams.map(() => 'infer xilinx.com:interface:axis_rtl:1.0'),
    ])
    expect(said('associate -busif')).toEqual(
      ['s_axi_ctrl', ...streams].map((name) => `associate -busif ${name} -clock aclk`).sort(),
    )
    expect(said('associate -clock')).toEqual(['associate -clock aclk -reset aresetn'])
    expect(axi.get('flow/axi.sdc')).toContain('create_clock -name aclk -period 4 [get_ports aclk]')
    expect(libreLane.parse(JSON.parse(axi.get('flow/config.json')!)).CLOCK_PORT).toBe('aclk')
  })
})

describe('the Yosys script', () => {
  const judge = (stat: string) => {
    for (const { name } of [top, { name: 'weight_memory' }]) expect(stat).toContain(`=== ${name} ===`)
    expect(stat).toMatch(/\$mem_v2\s+1/)
  }

  it('runs under the native Yosys', async (context) => {
    if (!hasYosys) return context.skip('not run: no yosys')
    const { stdout } = await execa('yosys', ['-s', 'sketch.ys'], { cwd: flowDirectory })
    expect(stdout.match(/Found and reported 0 problems/g)).toHaveLength(3) // the script's two checks, and synth's own
    expect(stdout.split('\n').filter((line) => /warning/i.test(line))).toEqual([])
    judge(readFileSync(join(flowDirectory, `${top.name}.stat.txt`), 'utf8'))
    expect(JSON.parse(readFileSync(join(flowDirectory, `${top.name}.json`), 'utf8'))).toHaveProperty(
      'modules',
    )
  })

  it('runs under @yowasp/yosys', async () => {
    // Its file tree has one root: the script's directory is the run's here.
    const script = flow.get('flow/sketch.ys')!.replaceAll('../', '')
    const texts = [...files].map(([path, contents]) => [path, contents.toString()] as const)
    const stat = await openYosys()({
      script: 'script sketch.ys',
      files: new Map([...texts, ['sketch.ys', script]]),
      output: `${top.name}.stat.txt`,
      signal: new AbortController().signal,
      cache: join(directory, 'cache'),
    })
    judge(stat)
  })
})

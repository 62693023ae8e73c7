import { renderTemplate } from '../base/templates.ts'
import type { Module, Port } from '../hdl/module.ts'

/** What flow files say beyond the design itself. */
export interface FlowOptions {
  /** Of xgen: the version that catalogues show. */
  readonly version: string
  readonly network: string
  /** `4x4 PEs`: what stands in catalogues beside the name. */
  readonly summary: string
  /** The clock's period in ns. */
  readonly clockNs: number
}

/**
 * Files below flow/ that other tools start from: a file list, FuseSoC, LibreLane with its constraints, Vivado IP packaging, Yosys.
 * `paths` are the files of the run's directory (rtl/*.v, mem/*.hex, tb/...); all references start from flow/.
 */
export function flowFiles(
  top: Pick<Module, 'name' | 'ports' | 'clockName' | 'resetName'>,
  paths: Iterable<string>,
  { version, network, summary, clockNs }: FlowOptions,
): ReadonlyMap<string, string> {
  const sorted = [...paths].sort()
  const matching = (pattern: RegExp) => sorted.filter((path) => pattern.test(path))
  const { clockName: clock, resetName: reset } = top
  const fields = {
    top: top.name,
    network,
    name: `xgen:accelerators:${network}:${version}`,
    description: `Accelerator for the network ${network}, ${summary}`,
    clock,
    reset,
    sources: matching(/^rtl\/.*\.v$/),
    memories: matching(/^mem\/.*\.hex$/),
    benches: matching(/^tb\/[^/]*\.v$/),
    vectors: matching(/^tb\/vectors\/.*\.hex$/).map((path) => ({ path, copy: path.slice('tb/'.length) })),
    interfaces: busInterfaces(top.ports),
    interrupt: top.ports.find(({ name }) => name === 'irq')?.name ?? '',
    period: clockNs,
    margin: Number((clockNs / 5).toFixed(4)),
    inputs: top.ports
      .filter(({ direction, name }) => direction === 'input' && name !== clock)
      .map(bits)
      .join(' '),
    outputs: top.ports
      .filter(({ direction }) => direction === 'output')
      .map(bits)
      .join(' '),
  }
  const render = (template: string) => renderTemplate(`flow/${template}.hbs`, fields)
  return new Map([
    ['flow/filelist.f', render('filelist.f')],
    [`flow/${network}.core`, render('core')],
    ['flow/config.json', libreLane(top.name, network, clock, clockNs, fields.sources)],
    [`flow/${network}.sdc`, render('sdc')],
    ['flow/package_ip.tcl', render('package_ip.tcl')],
    [`flow/${network}.ys`, render('ys')],
  ])
}

/** AXI interfaces, by the one port that each of them has. */
function busInterfaces(ports: readonly Port[]): { readonly name: string; readonly type: string }[] {
  return ports.flatMap(({ name }) => {
    const stream = /^([sm]_axis(?:_\w+)?)_tdata$/.exec(name)?.[1]
    if (stream !== undefined) return [{ name: stream, type: 'xilinx.com:interface:axis_rtl:1.0' }]
    const mapped = /^(s_axi_\w+)_awaddr$/.exec(name)?.[1]
    return mapped === undefined ? [] : [{ name: mapped, type: 'xilinx.com:interface:aximm_rtl:1.0' }]
  })
}

/** A port as SDC names it: all bits of a bus. */
const bits = ({ name, width }: Port) => (width === 1 ? name : `${name}[*]`)

/**
 * LibreLane's config.json. `dir::` is the directory that the file stands in. Yosys looks for memory images beside the source that
 * reads them, so that they are found whatever directory a step runs in.
 */
function libreLane(
  top: string,
  network: string,
  clock: string,
  clockNs: number,
  sources: readonly string[],
): string {
  const constraints = `dir::${network}.sdc`
  const configuration = {
    '//': `Configuration of LibreLane for ${top}. Its fields were checked; LibreLane itself was not run. Memories become flip-flops unless they are replaced by macros.`,
    meta: { version: 2, flow: 'Classic' },
    DESIGN_NAME: top,
    VERILOG_FILES: sources.map((path) => `dir::../${path}`),
    VERILOG_DEFINES: ['XGEN_MEM_DIR="../mem/"'],
    CLOCK_PORT: clock,
    CLOCK_PERIOD: clockNs,
    PNR_SDC_FILE: constraints,
    SIGNOFF_SDC_FILE: constraints,
  }
  return `${JSON.stringify(configuration, null, 2)}\n`
}

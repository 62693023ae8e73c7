import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { XgenError } from '../base/errors.ts'
import { cacheDirectory, openScratch } from '../tools/cache.ts'
import { runTool, toolFailed } from '../tools/tool.ts'
import type { GateNetlist } from './gate-netlist.ts'
import { gateVerilog } from './gate-verilog.ts'
import type { OpenLibrary } from './libraries.ts'

export interface StaOptions {
  readonly signal: AbortSignal
  readonly program?: string
  readonly cache?: string
  /** The port of the clock, where there are flip-flops. */
  readonly clock?: string
}

export interface StaDelay {
  /** ns. */
  readonly delay: number
  /** Such as `OpenSTA 2.0.17`. */
  readonly engine: string
}

/**
 * The longest path by OpenSTA; undefined where it is not installed. It goes on after errors, and its exit code is 0 then: its output is searched
 * for them.
 */
export async function staDelay(
  netlist: GateNetlist,
  library: OpenLibrary,
  { signal, program = 'sta', cache = cacheDirectory(), clock }: StaOptions,
): Promise<StaDelay | undefined> {
  const scratch = openScratch(cache)
  try {
    const run = {
      name: 'OpenSTA',
      file: program,
      args: ['-no_init', '-no_splash', '-exit', 'run.tcl'],
      cwd: scratch.work,
      log: scratch.log('sta'),
      signal,
      timeoutSeconds: 600,
      install: 'On Debian or Ubuntu: apt-get install -y --no-install-recommends opensta',
    }
    writeFileSync(join(scratch.work, 'library.lib'), withoutWires(await library.text()), 'latin1')
    writeFileSync(join(scratch.work, 'netlist.v'), gateVerilog(netlist))
    writeFileSync(join(scratch.work, 'run.tcl'), commands(netlist.top, clock, library.content.wireLoad?.name))
    try {
      await runTool(run)
    } catch (error) {
      if (error instanceof XgenError && error.kind === 'tool-missing') return undefined
      throw error
    }
    const said = readFileSync(run.log, 'utf8')
    const delay = longest(said)
    const version = /version (\S+)/.exec(said)?.[1]
    if (/^Error/m.test(said) || delay === undefined || version === undefined)
      throw toolFailed(run, 'did not find the longest path')
    scratch.forgetLogs()
    return { delay, engine: `OpenSTA ${version}` }
  } finally {
    scratch.close()
  }
}

/** With a clock, paths to flip-flops end by their setup time before the edge: of a period of 1000 ns, what is not slack is the path. */
const period = 1000

/** The model that the library has for a default would be taken besides: it is chosen by name, if at all. */
const withoutWires = (text: string): string =>
  text.replace(/\bdefault_wire_load(_selection)?\s*:\s*("[^"]*"|[^";}\n]*)[ \t]*;?/g, '')

const commands = (top: string, clock: string | undefined, wires: string | undefined) =>
  [
    'puts "version [sta::version]"',
    'read_liberty library.lib',
    'read_verilog netlist.v',
    `link_design ${top}`,
    ...(wires === undefined ? [] : [`set_wire_load_model -name ${tclWord(wires)}`]),
    ...(clock === undefined
      ? [`set_max_delay ${period} -from [all_inputs] -to [all_outputs]`]
      : [
          `create_clock -name clock -period ${period} [get_ports ${clock}]`,
          'set_input_delay 0 -clock clock [all_inputs]',
          'set_output_delay 0 -clock clock [all_outputs]',
        ]),
    'report_checks -path_delay max -digits 6',
    '',
  ].join('\n')

/** A word that Tcl takes as it is: a library's names may hold what it would run. */
const tclWord = (text: string): string => text.replace(/\W/g, '\\$&')

function longest(said: string): number | undefined {
  const slack = /^\s*(-?[\d.]+)\s+slack/m.exec(said)?.[1]
  return slack === undefined ? undefined : period - Number(slack)
}

import { existsSync, readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import { XgenError } from '../base/errors.ts'

/** One run of an external program: no shell, arguments as they are, everything it says in a log file. */
export interface ToolRun {
  /** What the user knows it by: `Verilator`, `g++`, `the simulator`. */
  readonly name: string
  readonly file: string
  /** xgen made the file: where it is gone, no package brings it back. */
  readonly made?: boolean
  readonly args: readonly string[]
  readonly cwd: string
  /** Takes stderr, and stdout too where it is not read by us. */
  readonly log: string
  readonly signal: AbortSignal
  readonly timeoutSeconds?: number
  readonly environment?: Readonly<Record<string, string>>
  /** What brings it where it is missing; Debian's line for the simulation's tools where it is not given. */
  readonly install?: string
}

export interface RunningTool {
  readonly pid: number
  readonly stdout: Readable
  /** Fulfilled when it has ended well; rejected with `tool-failed` or `interrupted`. */
  readonly finished: Promise<void>
  /** Ends it with all its children; `finished` then fails. */
  stop(): void
}

/**
 * Process groups at work. Tools start children of their own (a Perl wrapper, cc1plus): each tool leads a group, which is ended
 * as a whole, also when this process ends in a hurry.
 */
const groups = new Set<number>()
process.on('exit', () => {
  for (const pid of groups) signalGroup(pid, 'SIGKILL')
})

/** Time that a group has to clean up behind itself before it is killed. */
const graceMilliseconds = 2000

/** Runs a program to its end. Fails with `tool-failed` (command, log, last lines), `tool-missing` or `interrupted`. */
export async function runTool(run: ToolRun): Promise<void> {
  const tool = start(run, false)
  await tool.finished
}

/** Starts a program whose standard output is read while it runs. */
export function startTool(run: ToolRun): RunningTool {
  return start(run, true)
}

function start(run: ToolRun, piped: boolean): RunningTool {
  if (run.signal.aborted) throw interruption(run.signal)
  const subprocess = spawn(run, piped)
  const { pid } = subprocess
  if (pid !== undefined) groups.add(pid)
  const state = { timedOut: false, ended: false, forced: undefined as NodeJS.Timeout | undefined }
  const stop = () => {
    // once it has ended, its number may belong to another process
    if (pid === undefined || state.ended) return
    signalGroup(pid, 'SIGTERM')
    state.forced ??= setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMilliseconds)
  }
  run.signal.addEventListener('abort', stop, { once: true })
  const limit = run.timeoutSeconds
  const timer =
    limit === undefined
      ? undefined
      : setTimeout(() => {
          state.timedOut = true
          stop()
        }, limit * 1000)

  const finished = (async () => {
    const result = await subprocess
    state.ended = true
    clearTimeout(timer)
    clearTimeout(state.forced)
    run.signal.removeEventListener('abort', stop)
    if (pid !== undefined) {
      // What the leader left behind of its group ends with it.
      signalGroup(pid, 'SIGKILL')
      groups.delete(pid)
    }
    if (run.signal.aborted) throw interruption(run.signal)
    if (state.timedOut) throw toolFailed(run, `did not end within ${limit} seconds`)
    if (!result.failed) return
    if (pid === undefined) throw notStarted(run, result.code)
    if (result.signal !== undefined) throw toolFailed(run, signalled(result.signal))
    throw toolFailed(run, exited(result.exitCode, run.log))
  })()
  // The reader of stdout may meet the end first: the failure is kept until it is asked for.
  finished.catch(() => {})
  return { pid: pid ?? 0, stdout: subprocess.stdout as unknown as Readable, finished, stop }
}

/** Why a program did not even start. The kernel says ENOENT of a missing working directory, too. */
function notStarted(run: ToolRun, code: string | undefined): XgenError {
  const { name, file, cwd } = run
  const again =
    'Something else removed it, perhaps what cleans the cache. Run the command again: it is made anew.'
  if (!existsSync(cwd))
    return new XgenError('tool-failed', `the working directory ${cwd} of ${name} is gone`, { hint: again })
  if (code !== 'ENOENT') return toolFailed(run, `could not be started (${code ?? 'for no known reason'})`)
  if (run.made === true)
    return new XgenError('tool-failed', `${name} ${file}, which xgen built, is gone`, { hint: again })
  return new XgenError('tool-missing', `${name} (${file}) was not found`, {
    hint: run.install ?? installLine,
  })
}

function spawn(run: ToolRun, piped: boolean) {
  const log = { file: run.log, append: true }
  return execa(run.file, [...run.args], {
    cwd: run.cwd,
    env: run.environment ?? {},
    stdin: 'ignore',
    stdout: piped ? 'pipe' : log,
    stderr: log,
    buffer: false,
    encoding: 'buffer',
    reject: false,
    detached: true,
  })
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // The group is gone, which is what was wanted.
  }
}

function exited(code: number | undefined, log: string): string {
  if (code !== undefined && code > 128 && code <= 128 + 64) {
    return code === 137
      ? signalled('SIGKILL')
      : `ended with exit code ${code}, which stands for signal ${code - 128}`
  }
  // The compiler's driver survives its own children and reports their end in words.
  if (/Killed signal terminated program|fatal error: Killed/.test(lastLines(log, 20)))
    return signalled('SIGKILL')
  return `failed with exit code ${code ?? 'unknown'}`
}

function signalled(signal: string): string {
  return signal === 'SIGKILL'
    ? 'was killed (137, SIGKILL), probably out of memory'
    : `was ended by signal ${signal}`
}

export function interruption(signal: AbortSignal): XgenError {
  return signal.reason instanceof XgenError ? signal.reason : new XgenError('interrupted', 'interrupted')
}

/** An error with the command, the log and its last 20 lines. */
export function toolFailed(run: ToolRun, what: string): XgenError {
  const lines = lastLines(run.log, 20)
  const said = lines === '' ? 'It wrote nothing.' : `Its last lines:\n${indent(lines)}`
  return new XgenError(
    'tool-failed',
    `${run.name} ${what}\n  command: ${commandLine(run.file, run.args)}\n  log: ${run.log}`,
    {
      hint: said,
    },
  )
}

/** At most `count` lines from the end of a file; nothing where there is none. */
export function lastLines(file: string, count: number): string {
  if (!existsSync(file)) return ''
  const text = readFileSync(file, 'utf8').trimEnd()
  return text.split('\n').slice(-count).join('\n').slice(-8000)
}

const indent = (text: string) => text.replace(/^/gm, '    ')

/** The command as one could type it. */
export function commandLine(file: string, args: readonly string[]): string {
  return [file, ...args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ')
}

export const installLine =
  'On Debian or Ubuntu: apt-get install -y --no-install-recommends verilator g++ make'

import { execa } from 'execa'
import { version } from '../base/version.ts'

/** One external tool: what there is of it, and what xgen needs. */
export interface ToolReport {
  readonly name: string
  /** What it does for xgen. */
  readonly purpose: string
  readonly required: boolean
  /** The least version that is known to work, or null where any does. */
  readonly minimum: string | null
  /** The version found, or null. */
  readonly version: string | null
  readonly status: 'ok' | 'missing' | 'too old'
  /** How to get it, where it is not ok. */
  readonly install: string | null
}

export interface DoctorReport {
  readonly xgen: string
  /** Every required tool is there. */
  readonly ok: boolean
  readonly tools: readonly ToolReport[]
  /** One line that installs what is missing of Debian's packages, or null. */
  readonly apt: string | null
}

interface Tool {
  readonly name: string
  readonly purpose: string
  readonly required: boolean
  readonly minimum: string | null
  /** Debian's package; null where it comes another way. */
  readonly apt: string | null
  readonly install: string | null
  /** Its answer to a question for its version; throws where it is not there. */
  readonly ask: (run: Run) => Promise<string>
}

type Run = (file: string, args: readonly string[]) => Promise<string>

const debian = (
  name: string,
  purpose: string,
  required: boolean,
  minimum: string | null,
  apt: string,
  ...args: string[]
): Tool => ({
  name,
  purpose,
  required,
  minimum,
  apt,
  install: null,
  ask: (run) => run(name, args),
})

const tools: readonly Tool[] = [
  {
    name: 'node',
    purpose: 'runs xgen',
    required: true,
    minimum: '20.19',
    apt: null,
    install: 'Install Node.js 20.19 or later from https://nodejs.org.',
    ask: async () => process.versions.node,
  },
  debian('verilator', 'simulates the Verilog for xgen verify', true, '5.006', 'verilator', '--version'),
  debian('g++', 'compiles the simulation', true, '9', 'g++', '-dumpfullversion'),
  debian('make', 'builds the stored testbench', true, null, 'make', '--version'),
  {
    name: '@yowasp/yosys',
    purpose: 'counts what the Verilog is made of',
    required: true,
    minimum: '0.55',
    apt: null,
    install: 'Run npm ci in the directory of xgen.',
    ask: yosysInWebAssembly,
  },
  debian('iverilog', 'a second simulator', false, '11', 'iverilog', '-V'),
  debian('yosys', 'a native Yosys, quicker to start', false, '0.23', 'yosys', '-V'),
  debian('sta', 'static timing analysis (OpenSTA)', false, null, 'opensta', '-version'),
]

/** Asks every tool for its version. `signal` ends those that are running. */
export async function examineTools(signal?: AbortSignal): Promise<DoctorReport> {
  const run: Run = async (file, args) => {
    const { stdout, stderr } = await execa(file, [...args], {
      timeout: 20_000,
      stdin: 'ignore',
      cancelSignal: signal,
      cleanup: false, // its exit handler would end xgen on a signal before xgen has said so
    })
    return stdout || stderr
  }
  const reports = await Promise.all(tools.map((tool) => examine(tool, run)))
  signal?.throwIfAborted()
  const wanted = reports.flatMap(({ status, name }) =>
    status === 'missing' ? (tools.find((tool) => tool.name === name)!.apt ?? []) : [],
  )
  return {
    xgen: version,
    ok: reports.every(({ required, status }) => !required || status === 'ok'),
    tools: reports,
    apt: wanted.length === 0 ? null : aptLine(wanted),
  }
}

const aptLine = (packages: readonly string[]) =>
  `apt-get install -y --no-install-recommends ${packages.join(' ')}`

async function examine({ ask, apt, install, ...tool }: Tool, run: Run): Promise<ToolReport> {
  const howTo = install ?? aptLine([apt!])
  let found: string | null = null
  try {
    found = /\d+(\.\d+)*/.exec(await ask(run))?.[0] ?? 'unknown'
  } catch {
    // A tool that cannot be asked is one that is not there.
    return { ...tool, version: null, status: 'missing', install: howTo }
  }
  const old = tool.minimum !== null && found !== 'unknown' && isOlder(found, tool.minimum)
  return {
    ...tool,
    version: found,
    status: old ? 'too old' : 'ok',
    install: old ? `${howTo} (version ${tool.minimum} or later)` : null,
  }
}

/** Whether one dotted version comes before another, part by part. */
export function isOlder(version: string, minimum: string): boolean {
  const [have, need] = [version, minimum].map((text) => text.split('.').map(Number)) as [number[], number[]]
  for (let i = 0; i < need.length; i++) {
    const difference = (have[i] ?? 0) - need[i]!
    if (difference !== 0) return difference < 0
  }
  return false
}

async function yosysInWebAssembly(): Promise<string> {
  const { runYosys } = await import('@yowasp/yosys')
  let text = ''
  const collect = (bytes: Uint8Array | null) => {
    if (bytes !== null) text += Buffer.from(bytes).toString()
  }
  await runYosys(['-V'], {}, { stdout: collect, stderr: collect })
  return text
}

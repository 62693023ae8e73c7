import { cpus, loadavg } from 'node:os'

/** What the figures were measured on. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  /** SIMD extensions that the operating system names. */
  readonly extensions: readonly string[]
  /** Clock at work in GHz, measured. */
  readonly gigahertz: number
  readonly node: string
  readonly compiler: string
  readonly compilerFlags: readonly string[]
  /** Programs that wanted a processor in the minute before: figures are worth less where it is not near 0. */
  readonly load: number
}

const named = /^(sse4_2|avx|avx2|avx512\w*|avx_vnni|amx_\w+|fma|asimd\w*|sve\w*)$/

/** The words of /proc/cpuinfo's flags that stand for SIMD; none where there is no such file. */
export function extensionsOf(cpuinfo: string): string[] {
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1] ?? ''
  return flags.split(' ').filter((flag) => named.test(flag))
}

export function machineOf(
  cpuinfo: string,
  gigahertz: number,
  compiler: string,
  compilerFlags: readonly string[],
): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    extensions: extensionsOf(cpuinfo),
    gigahertz,
    node: process.version,
    compiler,
    compilerFlags,
    load: loadavg()[0]!,
  }
}

import type { Command } from './command.ts'

/**
 * All commands, in the order of the help text. Each stands in a file of its own under commands/, which is loaded when it is needed: most
 * of a short run is loading.
 */
const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  init: async () => (await import('./commands/init.ts')).init,
  net: async () => (await import('./commands/net.ts')).net,
  data: async () => (await import('./commands/data.ts')).data,
  mult: async () => (await import('./commands/mult.ts')).mult,
  infer: async () => (await import('./commands/infer.ts')).inference,
  eval: async () => (await import('./commands/eval.ts')).evaluation,
  train: async () => (await import('./commands/train.ts')).train,
  rtl: async () => (await import('./commands/rtl.ts')).rtl,
  counts: async () => (await import('./commands/counts.ts')).counts,
  sim: async () => (await import('./commands/sim.ts')).sim,
  verify: async () => (await import('./commands/verify.ts')).verify,
  synth: async () => (await import('./commands/synth.ts')).synth,
  report: async () => (await import('./commands/report.ts')).report,
  compare: async () => (await import('./commands/compare.ts')).compare,
}

export const commandNames: readonly string[] = Object.keys(loaders)

/** The command of this name; all where it names none. */
export const loadCommands = (name: string | undefined): Promise<readonly Command[]> => {
  const load = name === undefined ? undefined : loaders[name]
  return Promise.all((load === undefined ? Object.values(loaders) : [load]).map((one) => one()))
}

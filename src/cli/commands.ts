import type { Command } from './command.ts'
import { compare } from './commands/compare.ts'
import { counts } from './commands/counts.ts'
import { data } from './commands/data.ts'
import { doctor } from './commands/doctor.ts'
import { evaluation } from './commands/eval.ts'
import { inference } from './commands/infer.ts'
import { init } from './commands/init.ts'
import { mult } from './commands/mult.ts'
import { net } from './commands/net.ts'
import { report } from './commands/report.ts'
import { rtl } from './commands/rtl.ts'
import { sim } from './commands/sim.ts'
import { synth } from './commands/synth.ts'
import { train } from './commands/train.ts'
import { verify } from './commands/verify.ts'

/** All commands, in the order of the help text. Each stands in a file of its own under commands/. */
export const commands: readonly Command[] = [
  doctor,
  init,
  net,
  data,
  mult,
  inference,
  evaluation,
  train,
  rtl,
  counts,
  sim,
  verify,
  synth,
  report,
  compare,
]

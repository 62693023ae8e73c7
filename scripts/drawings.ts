/** Draws what moves where in each dataflow, from small plans, into docs/drawings. Run after changing how a dataflow works. */
import { join } from 'node:path'
import { packageRoot, writeFileAtomically } from '../src/base/files.ts'
import { drawingSvg } from '../src/report/drawing.ts'
import { drawings } from './drawings/all.ts'

for (const [name, drawing] of Object.entries(drawings))
  writeFileAtomically(join(packageRoot, 'docs/drawings', `${name}.svg`), drawingSvg(drawing()))

import type { Plan } from '../src/plan/plan.ts'
import { gridPrefix } from '../src/plan/probes.ts'
import { stationProbes } from '../src/plan/row/probes.ts'
import { stepsOf } from '../src/plan/steps.ts'
import type { Difference } from './comparison.ts'
import { cause, productSentences, type RowStory, storyRows } from './row-story.ts'
import type { Watch, Watched } from './watch.ts'

/** What is told of a difference in the grid beside an array: the layer for which the array waits, as a run of its own. */
export function tellGrid(plan: Plan, watch: Watch, difference: Difference, watched: Watched): RowStory {
  const grid = plan.grid!
  const rows = storyRows(grid, watch, watched, gridPrefix)
  const told = (...sentences: string[]) => ({ sentences, rows, format: rows.at(-1)!.format })
  const probe = stationProbes(grid).find(({ name }) => gridPrefix + name === watched.name)!
  const { runCycle } = difference
  if (runCycle === undefined) return told('The run has not begun, or is over.')
  const step = [...stepsOf(plan)].find(({ start, cycles }) => runCycle < start + cycles)
  const waiting = step?.stream && plan.layers[step.stream.layer]!
  if (waiting?.grid === undefined)
    return told('By the plan the grid is at rest in this cycle: the array has a layer.')
  const layer = grid.layers[waiting.grid]!
  // the grid begins a cycle after the array's step
  const own = runCycle - step!.start - 1
  return told(
    `By the plan the grid runs the layer "${layer.name}", from cycle ${step!.start + 1} of the run on.`,
    ...productSentences(
      { layers: grid.layers, tiles: grid.tiles, index: waiting.grid },
      layer,
      probe.at,
      own,
    ),
    cause(probe.at),
  )
}

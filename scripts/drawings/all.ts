import type { Drawing } from '../../src/report/drawing.ts'
import { reuse } from './reuse.ts'
import { rowStationary } from './row-stationary.ts'
import { weightStationary } from './weight-stationary.ts'

/** The drawings of docs/drawings by their names there. */
export const drawings: Readonly<Record<string, () => Drawing>> = {
  'weight-stationary': weightStationary,
  'row-stationary': rowStationary,
  reuse,
}

import type { Drawing } from '../../src/report/drawing.ts'
import { weightStationary } from './weight-stationary.ts'

/** The drawings of docs/drawings by their names there. */
export const drawings: Readonly<Record<string, () => Drawing>> = {
  'weight-stationary': weightStationary,
}

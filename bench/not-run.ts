/** In place of figures: why there are none. */
export interface NotRun {
  readonly notRun: string
}

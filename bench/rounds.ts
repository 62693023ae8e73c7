/** How long a number of repetitions took. */
export interface Timing {
  /** Of the clock on the wall. */
  readonly seconds: number
  /** Of all processors together: where it is less than `seconds` on one thread, other programs had the processor. */
  readonly busy: number
}

/** What takes part in a measurement. */
export interface Contestant {
  readonly name: string
  run(repeats: number): Timing | Promise<Timing>
}

export interface Series {
  /** Repetitions in each round. */
  readonly repeats: number
  /** Seconds of one repetition, by round. */
  readonly seconds: readonly number[]
  /** The same, of all processors together. */
  readonly busy: readonly number[]
}

export interface Rounds {
  readonly rounds: number
  /** A contestant repeats its work until one round of it takes so long: clocks and threads start late. */
  readonly leastSeconds: number
}

/**
 * Times contestants in turn: A B C, A B C, ... A repetition before the first round warms each up and tells how many a round needs.
 * By contestant, in their order.
 */
export async function inTurn(contestants: readonly Contestant[], rounds: Rounds): Promise<Series[]> {
  const series: { repeats: number; seconds: number[]; busy: number[] }[] = []
  for (const contestant of contestants) {
    await contestant.run(1)
    const { seconds } = await contestant.run(1)
    series.push({
      repeats: Math.max(1, Math.ceil(rounds.leastSeconds / Math.max(seconds, 1e-6))),
      seconds: [],
      busy: [],
    })
  }
  for (let round = 0; round < rounds.rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      const own = series[i]!
      const { seconds, busy } = await contestant.run(own.repeats)
      own.seconds.push(seconds / own.repeats)
      own.busy.push(busy / own.repeats)
    }
  }
  return series
}

/** Times work of this process, with all its threads. */
export async function timed(work: () => void | Promise<void>, repeats: number): Promise<Timing> {
  const before = process.cpuUsage()
  const start = performance.now()
  for (let i = 0; i < repeats; i++) await work()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(before)
  return { seconds, busy: (user + system) / 1e6 }
}

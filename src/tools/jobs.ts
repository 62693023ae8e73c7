/** Runs jobs, `width` at a time; the first failure stops the rest, and is reported when all that ran have ended. */
export async function runJobs<T>(
  jobs: readonly ((signal: AbortSignal) => Promise<T>)[],
  width: number,
  signal: AbortSignal,
): Promise<T[]> {
  const stop = new AbortController()
  const inner = AbortSignal.any([signal, stop.signal])
  const results: T[] = []
  const failures: unknown[] = []
  let next = 0
  const worker = async () => {
    while (next < jobs.length && failures.length === 0) {
      const job = next++
      try {
        results[job] = await jobs[job]!(inner)
      } catch (error) {
        failures.push(error)
        stop.abort()
      }
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}

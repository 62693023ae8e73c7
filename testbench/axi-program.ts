import type { Beat, Condition, Episode } from './axi-stimulus.ts'

/** A register access of the host. */
export type Operation = {
  readonly address: number
  /** Not before these hold. */
  readonly after?: readonly Condition[]
} & ({ readonly write: number; readonly strobe?: number } | { readonly write?: undefined })

export const read = (address: number, ...after: Condition[]): Operation => ({ address, after })
export const write = (address: number, value: number, ...after: Condition[]): Operation => ({
  address,
  write: value >>> 0,
  after,
})

/** The beats of register accesses, one after another: each waits for the answer to the one before. */
export function controlBeats(operations: readonly Operation[]): Pick<Episode['beats'], 'aw' | 'w' | 'ar'> {
  const beats = { aw: [] as Beat[], w: [] as Beat[], ar: [] as Beat[] }
  let before: Condition | undefined
  for (const operation of operations) {
    const after = [...(operation.after ?? []), ...(before === undefined ? [] : [before])]
    if (operation.write === undefined) {
      beats.ar.push({ data: operation.address, extra: 0, after })
      before = { channel: 'r', count: beats.ar.length }
    } else {
      beats.aw.push({ data: operation.address, extra: 0, after })
      beats.w.push({ data: operation.write, extra: operation.strobe ?? 15, after })
      before = { channel: 'b', count: beats.aw.length }
    }
  }
  return beats
}

/** A packet on a stream: TLAST with its last beat. */
export function streamBeats(data: ArrayLike<number>, after?: readonly Condition[]): Beat[] {
  return Array.from(data, (value, index) => ({
    data: value,
    extra: index === data.length - 1 ? 1 : 0,
    ...(after === undefined ? {} : { after }),
  }))
}

import { bankBits, type Rotation, stepState } from '../rotation.ts'

/** src/arch/mixed/channel-step.ts: adders of a step of `count` channels. */
export function channelStepAdders(rotation: Rotation, count: number): number {
  const { bank, index } = stepState(rotation, count)
  return (bank ? 1 : 0) + (index > 0 ? 1 : 0)
}

/** Register bits of a place that counts channels so. */
export function channelStepBits(rotation: Rotation, count: number): number {
  const { bank, index } = stepState(rotation, count)
  return (bank ? bankBits(rotation) : 0) + index
}

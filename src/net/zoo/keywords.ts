import type { Network, Recurrent } from '../network.ts'

/** A recurrent layer over the 49 frames of 10 MFCCs, and a dense one behind its last state. */
const keywordSpotter = (name: string, cell: Pick<Recurrent, 'kind' | 'units' | 'reset'>): Network => ({
  name,
  input: { shape: [1, 49, 10] },
  layers: [
    { kind: 'reshape', name: 'frames', shape: [49, 10] },
    { ...cell, name: cell.kind, direction: 'forward', returns: 'last' },
    { kind: 'dense', name: 'fc', units: 12 },
  ],
})

/** A GRU of 154 units, the small one of "Hello Edge" (Zhang et al. 2017); its reset gate comes after the product, as in cuDNN. */
export const gruKws = keywordSpotter('gru-kws', { kind: 'gru', units: 154, reset: 'after' })

/** An LSTM of 118 units, the small one of "Hello Edge". */
export const lstmKws = keywordSpotter('lstm-kws', { kind: 'lstm', units: 118 })

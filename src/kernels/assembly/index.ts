/** What the module offers: one piece of a layer a call, on memory that all threads share. */
export { addCodes } from './add'
export { convolveDot } from './dot'
export { lookupCodes, lookupPairs } from './lookup'
export { poolCodes } from './pool'
export { convolveRows } from './rows'
export { softmaxCodes } from './softmax'
export { convolveTable } from './table'
export { convolveWinograd } from './winograd'

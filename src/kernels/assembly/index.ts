/** What the module offers: one piece of a layer a call, on memory that all threads share. */
export { addCodes } from './add'
export { convolveDot } from './dot'
export { poolCodes } from './pool'
export { convolveRows } from './rows'
export { convolveTable } from './table'

/** What the module offers: one piece of a layer a call, on memory that all threads share. */
export { convolveDot } from './dot'
export { convolveTable } from './table'

import { answerTasks } from '../tools/thread.ts'
import { figuresOf } from './multiplier-figures.ts'

answerTasks(figuresOf)

import { readPictures } from '../net/data/folders.ts'
import { answerTasks } from '../tools/thread.ts'
import type { PictureTask } from './picture-reading.ts'

answerTasks(async ({ files, shape }: PictureTask) => readPictures(files, shape))

// A thread that compiles one file at a time.

import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort } from 'node:worker_threads'
import { type CompileJob, runJob } from './compile-job.ts'

parentPort?.on('message', (job: CompileJob) => {
  // An error that is not in the result is a mistake of ours; thrown from here it reaches the main thread as it is.
  void runJob(job, (path) => import(pathToFileURL(resolve(path)).href)).then(
    (result) => parentPort?.postMessage(result),
    (error: unknown) =>
      setImmediate(() => {
        throw error
      }),
  )
})

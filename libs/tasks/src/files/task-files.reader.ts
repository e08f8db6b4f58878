import { Injectable } from '@nestjs/common'
import { FileStore, type FileRequest, type FileText } from '#libs/kernel'
import { FileBudget } from './file.budget.js'

export interface NamedFileRequest extends FileRequest {
  readonly name: string
}

export interface NamedFile extends FileText {
  readonly name: string
}

/** The files of one task. Their bytes count against the budget until it is disposed of. */
export interface FilesInHand extends Disposable {
  readonly files: readonly NamedFile[]
}

/** Reads the files of a task once there is room for all of them. */
@Injectable()
export class TaskFilesReader {
  constructor(
    private readonly store: FileStore,
    private readonly budget: FileBudget,
  ) {}

  /** In the order of the requests. Errors are those of FileStore, or the signal's reason. */
  async read(requests: readonly NamedFileRequest[], signal: AbortSignal): Promise<FilesInHand> {
    const sizes = await Promise.all(requests.map((request) => this.store.statText(request, signal)))
    using stack = new DisposableStack()
    stack.use(await this.budget.take(sumOf(sizes), signal))
    const files = await Promise.all(
      requests.map(async ({ name, ...request }) => ({ ...(await this.store.readText(request, signal)), name })),
    )
    const share = stack.move()
    return { files, [Symbol.dispose]: () => share.dispose() }
  }
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0)
}

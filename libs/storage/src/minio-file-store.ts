import { Injectable } from '@nestjs/common'
import type { ObjectReference } from '#libs/contracts'
import { FileStore, type FileRequest, type FileText } from '#libs/kernel'
import { AnswerRemover } from './answers/answer.remover.js'
import { AnswerWriter } from './answers/answer.writer.js'
import { TextFileReader } from './files/text-file.reader.js'

/** Object storage over plain S3, by the client of MinIO. */
@Injectable()
export class MinioFileStore extends FileStore {
  constructor(
    private readonly reader: TextFileReader,
    private readonly writer: AnswerWriter,
    private readonly remover: AnswerRemover,
  ) {
    super()
  }

  override statText(request: FileRequest, signal: AbortSignal): Promise<number> {
    return this.reader.stat(request, signal)
  }

  override readText(request: FileRequest, signal: AbortSignal): Promise<FileText> {
    return this.reader.read(request, signal)
  }

  override putAnswer(name: string, body: Buffer, signal: AbortSignal): Promise<ObjectReference> {
    return this.writer.write(name, body, signal)
  }

  override removeAnswer(name: string, signal: AbortSignal): Promise<boolean> {
    return this.remover.remove(name, signal)
  }
}

import type { ObjectReference } from '#libs/contracts'

export interface FileRequest {
  /** The default bucket where none is named. */
  readonly bucket?: string
  readonly key: string
  readonly mediaType?: string
  /** The object's key must begin with one of these. */
  readonly allowedPrefixes: readonly string[]
  readonly maxSizeBytes: number
}

export interface FileText {
  readonly bucket: string
  readonly key: string
  readonly text: string
  readonly sizeBytes: number
  /** Lower-case hex, of the bytes as they lie in the store. */
  readonly sha256: string
  readonly mediaType: string
}

/** Object storage. Errors are TaskErrors: `file_not_found`, `file_forbidden`, `file_too_large`, `unsupported_media` are final, `storage_unavailable` is retryable. */
export abstract class FileStore {
  /**
   * How many bytes `readText` would read; what can be refused by name or size is refused here already. 0 where the store does not say, as
   * for a file that does not exist: `readText` then tells why.
   */
  abstract statText(request: FileRequest, signal: AbortSignal): Promise<number>
  /** Reads a text file that a task names. Only plain-text kinds; others throw `unsupported_media`. */
  abstract readText(request: FileRequest, signal: AbortSignal): Promise<FileText>
  /** Writes an answer under a name that depends only on the run, so that writing it again is harmless. */
  abstract putAnswer(name: string, body: Buffer, signal: AbortSignal): Promise<ObjectReference>
  /** Removes what `putAnswer` wrote under this name. false: there was nothing. */
  abstract removeAnswer(name: string, signal: AbortSignal): Promise<boolean>
}

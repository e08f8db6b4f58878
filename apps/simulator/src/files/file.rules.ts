const MIB = 1024 * 1024

type MediaKind = 'text' | 'image' | 'audio'

const MAX_BYTES: Readonly<Record<MediaKind, number>> = { audio: 35 * MIB, image: 15 * MIB, text: 40 * MIB }

const TYPES: Readonly<Record<MediaKind, readonly string[]>> = {
  text: [
    'text/plain',
    'application/msword',
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    'application/pdf',
    'application/epub',
    'application/ppt',
    'application/pptx',
    'application/vnd.ms-excel',
  ],
  image: ['image/jpeg', 'image/png', 'image/tiff', 'image/bmp'],
  audio: [
    'audio/mp4',
    'audio/mp3',
    'audio/x-m4a',
    'audio/x-wav',
    'audio/wave',
    'audio/wav',
    'audio/x-pn-wav',
    'audio/webm',
    'audio/x-ogg',
    'audio/opus',
  ],
}

const KIND_BY_TYPE = new Map(Object.entries(TYPES).flatMap(([kind, types]) => types.map((type) => [type, kind as MediaKind] as const)))

/** The documented types and sizes. The texts of the refusals are assumed, except `Payload too large`. */
export function findFileProblem(contentType: string, bytes: number, purpose: string): { status: number; message: string } | undefined {
  const kind = KIND_BY_TYPE.get(contentType.toLowerCase())
  if (kind === undefined) return { status: 422, message: `Invalid params: unsupported file type ${contentType}` }
  if (purpose !== 'general' && purpose !== 'assistant') return { status: 422, message: `Invalid params: unknown purpose ${purpose}` }
  if (purpose === 'assistant' && contentType === 'application/pdf')
    return { status: 422, message: 'Invalid params: unsupported file type application/pdf' }
  return bytes > MAX_BYTES[kind] ? { status: 413, message: 'Payload too large' } : undefined
}

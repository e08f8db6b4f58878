/** What a file is, as far as its name or its declared media type says. */
export type MediaKind =
  | { readonly kind: 'text'; readonly mediaType: string; readonly charset: string | undefined }
  | { readonly kind: 'other'; readonly name: string }

const PDF = 'a PDF document'
const WORD = 'a word-processing document'
const SHEET = 'a spreadsheet'
const SLIDES = 'a presentation'
const IMAGE = 'an image'
const AUDIO = 'audio'
const VIDEO = 'video'
const ARCHIVE = 'an archive'

const TEXT_APPLICATION_TYPES = new Set([
  'application/csv',
  'application/javascript',
  'application/json',
  'application/ld+json',
  'application/jsonl',
  'application/markdown',
  'application/ndjson',
  'application/sql',
  'application/toml',
  'application/x-jsonlines',
  'application/x-ndjson',
  'application/x-sh',
  'application/x-yaml',
  'application/xml',
  'application/yaml',
])

/** Said where a client knows nothing better: the name or the contents decide. */
const UNKNOWN_TYPES = new Set(['', 'application/octet-stream', 'binary/octet-stream', 'application/x-www-form-urlencoded'])

const OTHER_TYPES: readonly (readonly [start: string, name: string])[] = [
  ['image/', IMAGE],
  ['audio/', AUDIO],
  ['video/', VIDEO],
  ['application/pdf', PDF],
  ['application/msword', WORD],
  ['application/rtf', WORD],
  ['text/rtf', WORD],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml', WORD],
  ['application/vnd.oasis.opendocument.text', WORD],
  ['application/vnd.ms-excel', SHEET],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml', SHEET],
  ['application/vnd.oasis.opendocument.spreadsheet', SHEET],
  ['application/vnd.ms-powerpoint', SLIDES],
  ['application/vnd.openxmlformats-officedocument.presentationml', SLIDES],
  ['application/zip', ARCHIVE],
  ['application/gzip', ARCHIVE],
  ['application/x-7z', ARCHIVE],
  ['application/x-tar', ARCHIVE],
]

const TEXT_EXTENSIONS: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  text: 'text/plain',
  log: 'text/plain',
  ini: 'text/plain',
  conf: 'text/plain',
  srt: 'text/plain',
  md: 'text/markdown',
  markdown: 'text/markdown',
  rst: 'text/x-rst',
  tex: 'text/x-tex',
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  vtt: 'text/vtt',
  html: 'text/html',
  htm: 'text/html',
  xml: 'application/xml',
  json: 'application/json',
  jsonl: 'application/x-ndjson',
  ndjson: 'application/x-ndjson',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  toml: 'application/toml',
  sql: 'application/sql',
}

const OTHER_EXTENSIONS: Readonly<Record<string, string>> = {
  pdf: PDF,
  doc: WORD,
  docx: WORD,
  odt: WORD,
  rtf: WORD,
  xls: SHEET,
  xlsx: SHEET,
  ods: SHEET,
  ppt: SLIDES,
  pptx: SLIDES,
  png: IMAGE,
  jpg: IMAGE,
  jpeg: IMAGE,
  gif: IMAGE,
  webp: IMAGE,
  tif: IMAGE,
  tiff: IMAGE,
  bmp: IMAGE,
  heic: IMAGE,
  mp3: AUDIO,
  wav: AUDIO,
  ogg: AUDIO,
  opus: AUDIO,
  flac: AUDIO,
  m4a: AUDIO,
  mp4: VIDEO,
  mkv: VIDEO,
  webm: VIDEO,
  mov: VIDEO,
  zip: ARCHIVE,
  gz: ARCHIVE,
  tar: ARCHIVE,
  '7z': ARCHIVE,
  rar: ARCHIVE,
}

/** By a media type as a header or a message gives it; undefined where it says nothing. */
export function kindOfMediaType(text: string | undefined): MediaKind | undefined {
  const [type = '', ...parameters] = (text ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  if (UNKNOWN_TYPES.has(type)) return undefined
  const other = OTHER_TYPES.find(([start]) => type.startsWith(start))
  if (other !== undefined && !type.endsWith('+xml')) return { kind: 'other', name: `${other[1]} (${type})` }
  if (!isTextType(type)) return { kind: 'other', name: type }
  return { kind: 'text', mediaType: type, charset: charsetOf(parameters) }
}

/** By the extension of its name; undefined where it has none that is known. */
export function kindOfName(key: string): MediaKind | undefined {
  const name = key.slice(key.lastIndexOf('/') + 1)
  const extension = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  const textType = Object.hasOwn(TEXT_EXTENSIONS, extension) ? TEXT_EXTENSIONS[extension] : undefined
  if (textType !== undefined) return { kind: 'text', mediaType: textType, charset: undefined }
  const other = Object.hasOwn(OTHER_EXTENSIONS, extension) ? OTHER_EXTENSIONS[extension] : undefined
  return other === undefined ? undefined : { kind: 'other', name: `${other} (.${extension})` }
}

function isTextType(type: string): boolean {
  return (
    type.startsWith('text/') ||
    TEXT_APPLICATION_TYPES.has(type) ||
    type.endsWith('+json') ||
    type.endsWith('+xml') ||
    type.endsWith('+yaml')
  )
}

function charsetOf(parameters: readonly string[]): string | undefined {
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))
  return charset?.slice('charset='.length).replaceAll('"', '').trim()
}

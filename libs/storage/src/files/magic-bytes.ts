/** Kinds that are told by how their bytes begin, whatever the file is called. */
const MAGIC: readonly (readonly [bytes: Buffer, name: string])[] = [
  [Buffer.from('%PDF-'), 'a PDF document'],
  [Buffer.from('PK\u0003\u0004'), 'an archive or an office document'],
  [Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'an old office document'],
  [Buffer.from('{\\rtf'), 'a word-processing document (RTF)'],
  [Buffer.from('89504e47', 'hex'), 'an image'],
  [Buffer.from('ffd8ff', 'hex'), 'an image'],
  [Buffer.from('GIF8'), 'an image'],
  [Buffer.from('RIFF'), 'audio, video or an image'],
  [Buffer.from('OggS'), 'audio'],
  [Buffer.from('fLaC'), 'audio'],
  [Buffer.from('ID3'), 'audio'],
  [Buffer.from('1f8b', 'hex'), 'an archive'],
]

/** undefined: nothing speaks against text. */
export function kindOfBytes(bytes: Buffer): string | undefined {
  return MAGIC.find(([start]) => bytes.subarray(0, start.length).equals(start))?.[1]
}

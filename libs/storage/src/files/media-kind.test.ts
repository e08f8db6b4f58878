import { describe, expect, it } from 'vitest'
import { kindOfMediaType, kindOfName } from './media-kind.js'

const text = (mediaType: string, charset?: string) => ({ kind: 'text', mediaType, charset })
const other = (name: string) => ({ kind: 'other', name })

describe(kindOfMediaType.name, () => {
  it.each([
    ['text/plain', text('text/plain')],
    ['Text/Markdown', text('text/markdown')],
    ['text/plain; charset=Windows-1251', text('text/plain', 'windows-1251')],
    ['text/csv ; header=present; charset="utf-8"', text('text/csv', 'utf-8')],
    ['application/json', text('application/json')],
    ['application/problem+json', text('application/problem+json')],
    ['image/svg+xml', text('image/svg+xml')],
    ['application/yaml', text('application/yaml')],
    ['application/openapi+yaml', text('application/openapi+yaml')],
    ['application/pdf', other('a PDF document (application/pdf)')],
    ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', expect.objectContaining({ kind: 'other' })],
    ['image/png', other('an image (image/png)')],
    ['audio/mpeg', other('audio (audio/mpeg)')],
    ['text/rtf', other('a word-processing document (text/rtf)')],
    ['application/x-unheard-of', other('application/x-unheard-of')],
  ])('takes %s', (mediaType, kind) => {
    expect(kindOfMediaType(mediaType)).toEqual(kind)
  })

  it.each([undefined, '', 'application/octet-stream', 'binary/octet-stream; x=y'])('leaves %o to the name or the contents', (mediaType) => {
    expect(kindOfMediaType(mediaType)).toBeUndefined()
  })
})

describe(kindOfName.name, () => {
  it.each([
    ['inputs/a.txt', text('text/plain')],
    ['inputs/A.MD', text('text/markdown')],
    ['inputs.pdf/a.json', text('application/json')],
    ['a.tar.gz', other('an archive (.gz)')],
    ['scan.PDF', other('a PDF document (.pdf)')],
    ['letter.docx', other('a word-processing document (.docx)')],
    ['voice.ogg', other('audio (.ogg)')],
  ])('takes %s', (key, kind) => {
    expect(kindOfName(key)).toEqual(kind)
  })

  it.each(['README', 'inputs.txt/data', 'a.unheard-of', 'a.constructor', 'a.'])('does not know %s', (key) => {
    expect(kindOfName(key)).toBeUndefined()
  })
})

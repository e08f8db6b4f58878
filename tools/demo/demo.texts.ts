import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROJECT_FOLDER } from '#tools/rig'

const LARGE_FILE_BYTES = 150_000

export interface DemoText {
  readonly name: string
  readonly text: string
  /** The text begins with a Cyrillic or a Latin letter. */
  readonly language: 'ru' | 'en'
}

/** The public-domain works under examples/texts. */
export async function readTexts(): Promise<DemoText[]> {
  const folder = join(PROJECT_FOLDER, 'examples/texts')
  const names = (await readdir(folder)).filter((name) => name.endsWith('.txt')).toSorted()
  return Promise.all(
    names.map(async (name): Promise<DemoText> => {
      const text = await readFile(join(folder, name), 'utf8')
      return { name, text, language: /^[^a-zа-яё]*[а-яё]/i.test(text) ? 'ru' : 'en' }
    }),
  )
}

/** Files of several sizes: each work by itself, all of them in one, and one as large as a long article. */
export function makeFiles(texts: readonly DemoText[]): DemoText[] {
  const anthology = texts.map(({ text }) => text).join('\n\n* * *\n\n')
  const copies = Math.ceil(LARGE_FILE_BYTES / Buffer.byteLength(anthology))
  return [
    ...texts,
    { name: 'anthology.txt', text: anthology, language: 'ru' },
    { name: 'anthology-long.txt', text: Array.from({ length: copies }, () => anthology).join('\n\n'), language: 'ru' },
  ]
}

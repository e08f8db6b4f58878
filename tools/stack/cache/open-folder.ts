import { chmod, mkdir } from 'node:fs/promises'

/** A folder that PostgreSQL's user can enter, whatever umask we run with. Its parent must exist. */
export async function makeOpenFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o755)
}

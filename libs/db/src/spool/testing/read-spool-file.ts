import { open } from 'node:fs/promises'
import { readSpoolRecords, type SpoolRecord } from '../spool-record.js'

/** All records of a spool file. */
export async function readSpoolFile(path: string): Promise<SpoolRecord[]> {
  const file = await open(path, 'r')
  try {
    const records: SpoolRecord[] = []
    for await (const record of readSpoolRecords(file)) records.push(record)
    return records
  } finally {
    await file.close()
  }
}

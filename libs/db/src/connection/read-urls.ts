import { dbSettings, type DbSettings } from '../db.settings.js'

type DatabaseUrls = Pick<DbSettings, 'url' | 'directUrl' | 'migrationUrl'>

/**
 * Where to connect now. The files that the settings name are read again, for every new connection: so a rotated password needs no restart,
 * and connections that are there stay. Settings that cannot be read leave the known ones.
 */
export function readUrls(known: DatabaseUrls, read: () => DatabaseUrls = () => dbSettings.parse(process.env)): DatabaseUrls {
  try {
    return read()
  } catch {
    return known
  }
}

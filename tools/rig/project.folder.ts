import { dirname } from 'node:path'
import { findPackageJSON } from 'node:module'

/** The top of the checkout, from the sources as from the build. */
export const PROJECT_FOLDER = dirname(findPackageJSON('..', import.meta.url)!)

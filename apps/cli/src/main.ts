import 'reflect-metadata'
import { EXIT_CONFIG, SettingsError } from '#libs/config'
import { makeProgram } from './program.js'

try {
  await makeProgram(process.env).parseAsync()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof SettingsError ? EXIT_CONFIG : 1
}

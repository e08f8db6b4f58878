import { admissionSettings, createLaneGates } from '#libs/admission'
import { SettingsError, type Environment } from '#libs/config'
import type { LaneGates } from '#libs/kernel'
import { llmSettings } from '#libs/llm'

/** By the limits of the workers, as far as their settings are set here too. */
export function openLaneGates(env: Environment): LaneGates {
  return createLaneGates({ ...admissionSettings.parse(env), maxStreams: findMaxStreams(env) })
}

/** Whoever operates need not have the providers' secrets: then only what is said outright is known. */
function findMaxStreams(env: Environment): number | undefined {
  try {
    return llmSettings.parse(env).maxStreams
  } catch (error) {
    if (error instanceof SettingsError) return admissionSettings.parse(env).maxStreams
    throw error
  }
}

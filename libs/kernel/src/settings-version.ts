/** Of the settings that a new task starts with: those of the environment. Also the default of `task_queue.settings_version`. */
export const FIRST_SETTINGS_VERSION = 1

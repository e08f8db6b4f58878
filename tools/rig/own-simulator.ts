import { startStack, type Stack } from '#tools/stack'

/** A GigaChat simulator as a process of its own, for whoever changes its settings or revokes its tokens. Its owner stops it. */
export function startOwnSimulator(settings: object = {}): Promise<Stack> {
  const { GIGACHAT_BASE_URL: _, GIGACHAT_AUTH_URL: _auth, GIGACHAT_CREDENTIALS: _key, GIGACHAT_CONTROL_URL: _control, ...env } = process.env
  return startStack({ name: 'simulator', parts: ['simulator'], simulator: { settings }, env })
}

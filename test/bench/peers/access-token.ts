import { randomUUID } from 'node:crypto'
import type { GigachatAddress } from '#tools/stack'

/** A token for the peers, which ask for none themselves. It lives for half an hour. */
export async function fetchAccessToken({ authUrl, credentials }: GigachatAddress): Promise<string> {
  const answer = await fetch(authUrl, {
    method: 'POST',
    headers: {
      authorization: `Basic ${credentials}`,
      rquid: randomUUID(),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'scope=GIGACHAT_API_CORP',
  })
  if (!answer.ok) throw new Error(`the simulator gave no token: ${answer.status} ${await answer.text()}`)
  const { access_token: token } = (await answer.json()) as { readonly access_token: string }
  return token
}

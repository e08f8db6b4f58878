export const PEER_SETTINGS = Symbol('settings of the peer')
export const RESULT_CLIENT = Symbol('client for results')
export const ANSWER_POOL = Symbol('pool for answers')

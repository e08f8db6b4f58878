/**
 * A durable server (fsync, synchronous_commit and full_page_writes stay on: what is tested and measured here is a queue that must
 * not lose anything), sized for a laptop.
 */
export function makePostgresSettings(port: number): Record<string, string> {
  return {
    port: String(port),
    listen_addresses: '127.0.0.1',
    // Not in /tmp, where two users' sockets could meet.
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '256MB',
    effective_cache_size: '2GB',
    // Checkpoints by time rather than by volume, or a benchmark measures full-page writes.
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',
    random_page_cost: '1.1',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] %q%a@%d ',
  }
}

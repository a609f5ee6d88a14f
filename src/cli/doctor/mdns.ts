import type { Environment } from '../../base/environment.ts'
import { createSystemEnvironment } from '../../net/system-environment.ts'
import { milliseconds, rounded } from '../output.ts'
import type { Finding } from './finding.ts'

/**
 * Whether multicast DNS works here: takes a name for an address of this host, and has it resolved by somebody else, over
 * the network, within this process.
 */
export async function examineMdns({ network, resolver, clock }: Environment): Promise<Finding> {
  const local =
    network.interfaces().find(({ internal, family }) => !internal && family === 4) ?? network.interfaces()[0]
  const registration = local && (await resolver.registerMdns(local.address))
  if (local === undefined || registration === undefined) {
    return finding('warn', 'a name cannot be registered here', { registered: false, resolved: false })
  }
  const begun = clock.now()
  const found = await createSystemEnvironment().resolver.resolveMdns(registration.name)
  const durationMs = clock.now() - begun
  registration.release()
  const resolved = found.includes(local.address)
  const data = { registered: true, resolved, durationMs: rounded(durationMs) }
  if (resolved) return finding('ok', `names are registered and resolved, in ${milliseconds(durationMs)}`, data)
  return finding('warn', 'a name that was registered is not resolved', data)
}

function finding(status: 'ok' | 'warn', title: string, data: object): Finding {
  const lines = [
    'Browsers hide their addresses behind names in .local, which only multicast DNS resolves. Without it they are',
    'still found when they reach us first, through a STUN server, or by a relay.',
  ]
  return { topic: 'mdns', status, title: `Multicast DNS: ${title}`, lines: status === 'ok' ? [] : lines, data }
}

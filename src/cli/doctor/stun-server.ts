import { addressKey } from '../../base/address.ts'
import type { Context } from '../command.ts'
import { milliseconds, printable, table } from '../output.ts'
import { type Answers, askServer, hasAnswered, type StunOptions, stunData } from '../stun.ts'
import type { Finding } from './finding.ts'

/** Whether a STUN server answers at all. */
export async function examineStunServer(options: Omit<StunOptions, 'times'>, context: Context): Promise<Finding> {
  const answers = await askServer({ ...options, times: 1 }, context)
  const { url, host } = options.server
  const isFine = answers.some(hasAnswered)
  return {
    topic: 'stun',
    status: isFine ? 'ok' : 'fail',
    title: `STUN server ${printable(url)}: ${isFine ? 'answers' : 'is of no use'}`,
    lines: answers.length === 0 ? [`${host} could not be resolved`] : table(answers.map(row), 0),
    data: { url, ...stunData(answers) },
  }
}

function row({ server, transport, bindings, failure = 'no answer' }: Answers): string[] {
  const [binding] = bindings
  const head = [transport, addressKey(server)]
  if (binding === undefined) return [...head, printable(failure, 300)]
  return [...head, `sees ${addressKey(binding.mapped)}, ${milliseconds(binding.roundTripMs)}`]
}

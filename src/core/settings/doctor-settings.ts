import { dnsServers, toggle } from './kinds.ts';
import { setting } from './setting.ts';

const DOCTOR = ['doctor'] as const;

/** What only `minilb doctor` takes; src/settings.ts holds these settings with the others. */
export const doctorSettings = {
  fromHere: setting(toggle, {
    flag: 'from-here',
    roles: DOCTOR,
    default: 'true',
    help: 'Also looks from this machine: its resolver, its routes, and whether pods answer. False: at the cluster alone.',
  }),
  resolvers: setting(dnsServers, {
    flag: 'resolver',
    roles: DOCTOR,
    default: '',
    help: 'The resolvers to look at. Empty: those of /etc/resolv.conf.',
  }),
};

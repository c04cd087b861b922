import { describe, expect, it } from '@jest/globals';
import { cronSchedule } from './cron.js';

describe('a cron trigger', () => {
  it.each([
    ['*/5 * * * *', '0 */5 * * * *'],
    ['30 0 12 * * MON-FRI', '30 0 12 * * mon-fri'],
    ['0 12 * * 7', '0 0 12 * * 0'],
    ['0 12 * * 5-7', '0 0 12 * * 5-6,0'],
    ['0 0 29 2 *', '0 0 0 29 2 *'],
    ['0 0 30 2 mon', '0 0 0 30 2 mon'],
    ['0 0 31 1,2 *', '0 0 0 31 1,2 *'],
    ['1-5/2,7 * * * * ?', '1-5/2,7 * * * * ?'],
    ['0/15 * * * * *', '0/15 * * * * *'],
    ['@Daily', '@daily'],
    ['  0   12 * * *', '0 0 12 * * *'],
  ])('%s is %s for the server', (cron, schedule) => {
    expect(cronSchedule(cron)).toEqual({ schedule });
  });

  it.each([
    '* * * *',
    '* * * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * 32 * *',
    '* * * 13 *',
    '* * * * 8',
    '5-1 * * * *',
    '*/0 * * * *',
    '0 0 30 2 *',
    '0 0 31 4,6 *',
    'mon * * * *',
    '0 0 * jan-foo *',
    '0 0 L * *',
    '0 0 * * 1#2',
    '@reboot',
    '@every 5s',
    'TZ=Europe/Berlin * * * * *',
    '1.5 * * * *',
    ', * * * *',
    '',
  ])('refuses %s', (cron) => {
    expect(() => cronSchedule(cron)).toThrow(expect.objectContaining({ code: 'bad-artifact' }));
  });

  it('has a time zone that the world knows', () => {
    expect(cronSchedule('0 9 * * *', 'Europe/Berlin')).toEqual({
      schedule: '0 0 9 * * *',
      timezone: 'Europe/Berlin',
    });
    expect(cronSchedule('@hourly', 'UTC')).toEqual({ schedule: '@hourly' });
    for (const zone of ['Europe/Nowhere', '', 'Europe/Berlin\r\nx: y', '+02:00'])
      expect(() => cronSchedule('0 9 * * *', zone)).toThrow('time zone');
  });
});

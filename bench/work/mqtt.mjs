export const benchMqtt = () => [];

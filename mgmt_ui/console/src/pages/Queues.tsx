export default function Queues() { return <p>Queues</p>; }

export default function Consumers() { return <p>Consumers</p>; }

export default function Queue() { return <p>Queue</p>; }
